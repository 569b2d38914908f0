"""What a run leaves: records, tables, summary and the folder that holds them."""
