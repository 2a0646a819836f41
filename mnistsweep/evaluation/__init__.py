"""After the sweep: select the winner, retrain it, predict, and the label-cleaning experiment."""
