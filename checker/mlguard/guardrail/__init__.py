"""From policies to organization policies: statements, documents, and what they come with."""
