"""The lines of the sheet, one file a formula group. A new file here is a new group: nothing else needs an edit."""
