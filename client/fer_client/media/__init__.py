"""What can be read: videos, pictures and streams, as frames with the times that they state."""
