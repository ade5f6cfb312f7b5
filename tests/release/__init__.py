"""What a release consists of, made and tried: `make dist` (docs/release.md)."""
