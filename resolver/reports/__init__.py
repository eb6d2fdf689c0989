"""Reports for an auditor: of a policy at a moment, and of a period."""
