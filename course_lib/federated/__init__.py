"""Learning together without putting the films together.

weights     a network's numbers as a dictionary, and what can be computed with them
objectives  what a client minimises: plain cross-entropy, or one of the mixes
client      what a hospital does with the weights it was sent: pure functions
server      what is made of the answers: FedSGD, FedAvg, q-FFL, AFL
robust      answers that cannot be right are dropped; aggregation that survives a liar
partition   dealing cases out to hospitals: evenly, by class, by chance
tasks       what is learned: digits, chest films, hospitals with machines and patients of their own
rounds      the loop: choose, send, learn, collect, aggregate; resumes where it was stopped
faults      clients that die, send nonsense or lie
vectorised  the same rounds with all clients of a round at once
convergence hospitals that are bowls: where averaging ends, in closed form
communication  bytes that are really sent, and rounds to a target
"""
