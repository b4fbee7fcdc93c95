"""The Task Scheduler of the lab's Windows: definitions read strictly, tasks run as their principals."""
