"""HTML report: sections that show the results of the analyses, and the page that contains them."""
