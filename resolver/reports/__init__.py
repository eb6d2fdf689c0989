"""Reports for an auditor: of the policy at a moment, and of a period."""
