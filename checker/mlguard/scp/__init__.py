"""Organization policies (SCPs) as AWS reads them: their statements, what is wrong with them, and whom they stop."""
