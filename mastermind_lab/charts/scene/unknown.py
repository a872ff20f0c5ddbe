"""What has no translation."""


class Unknown(Exception):
    """An artist, or what is asked of it, has no translation; the picture has to be drawn by matplotlib."""
