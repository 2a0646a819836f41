"""The report: sections that show what the analyses found, and the page that they stand on."""
