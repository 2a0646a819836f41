"""After the sweep: select and retrain the winner, evaluate it on the test set, run the label-cleaning experiment."""
