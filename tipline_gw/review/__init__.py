"""For the reviewer's own machine: what helps somebody who reads a tip not to harm who sent it."""
