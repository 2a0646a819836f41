"""From overrides to a plan: what is searched, over which configuration, checked before anything is trained."""
