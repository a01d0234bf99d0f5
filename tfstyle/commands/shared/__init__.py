"""What several sub-commands share: types of arguments, where output goes, progress."""
