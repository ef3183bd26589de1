"""How good is it, and how sure are we: ROC, AUC and intervals."""
