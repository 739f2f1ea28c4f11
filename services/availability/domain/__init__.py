"""The rules of what a practice offers. Each takes `now`; none does IO."""
