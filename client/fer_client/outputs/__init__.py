"""What is made of the analysed frames: records, tables, the summary, and the folder that holds them."""
