"""Reading: views, reports, filters, SQL; the command line."""
