"""What comes from elsewhere: lists by HTTPS, the policy by git."""
