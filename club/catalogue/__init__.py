"""What points can buy: rewards, their prices and their conditions."""
