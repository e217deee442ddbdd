"""Organization policies (SCPs) from policies: statements, documents, and the checks that keep them safe."""
