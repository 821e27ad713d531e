"""The bank of GSM modems. All AT traffic comes through the boundary's port; what reaches this
room has tokens where numbers were."""
