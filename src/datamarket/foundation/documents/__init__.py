"""What is read from files: YAML without surprises, and dated, cited values of policy."""
