"""From a photo and options to a request, and from its answer to the stylized image."""
