"""What the charts are drawn with: ink, text, rows, axes, captions."""
