"""What lives, joined with what is recorded: the rows that the commands list and show."""
