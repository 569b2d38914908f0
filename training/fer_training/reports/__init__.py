"""Result files, and the tables and the model card made from them."""
