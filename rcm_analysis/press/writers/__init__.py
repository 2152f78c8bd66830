"""A document as HTML, PDF and workbook."""
