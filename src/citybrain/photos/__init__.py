"""Photos of street problems: checked, stripped of metadata, kept by the digest of their bytes.

An event holds the digest only. What is kept can be erased without touching an event.
"""

from citybrain.photos.checking import CheckedPhoto
from citybrain.photos.photos import Photos, open_photos
from citybrain.photos.store import PhotoStore

__all__ = ["CheckedPhoto", "PhotoStore", "Photos", "open_photos"]
