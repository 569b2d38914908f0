"""Decoding in a process of its own, for files that strangers sent (`--sandbox`).

`process` starts it and takes what it finds; `child` is what runs in it: the decoder, the detector and the cutting of
crops, so that nothing comes back but numbers and crops; `confinement` is what it is held by, and `messages` how the two
speak. It is refused where the system does not have what holds it.
"""
