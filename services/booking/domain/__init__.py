"""The rules of an appointment's life. Each takes `now`; none does IO."""
