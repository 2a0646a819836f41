"""Workers as jobs of SLURM: one job array for each start of a sweep, one worker in each job."""
