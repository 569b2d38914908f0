"""What can be read: videos, streams, sequences of images and photographs, as frames with presentation times."""
