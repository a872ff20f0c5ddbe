"""What the charts are drawn with: documentation and checks, figures, styles, text, rows, dots, ridges."""
