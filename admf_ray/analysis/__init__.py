"""What results say: pure functions of tables and returns."""
