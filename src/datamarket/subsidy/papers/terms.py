"""Words of papers: the kinds of files that an office reads."""

from enum import StrEnum


class PaperMedia(StrEnum):
    """As RFC 6838 names them; what a browser would run, such as HTML or SVG, is none of them."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TEXT = "text/plain"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
