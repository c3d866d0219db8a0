"""The trained models as one folder that runs anywhere: written, described, checked."""
