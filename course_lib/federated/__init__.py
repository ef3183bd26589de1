"""Learning together without putting the films together.

weights         a network's numbers as a dictionary, and what can be computed with them
objectives      what a client minimises: plain cross-entropy, or one of the mixes
client          what a hospital does with the weights it was sent: pure functions
server          what is made of the answers: FedSGD, FedAvg, q-FFL, AFL
robust          answers that cannot be right are dropped; aggregation that survives a liar
faults          clients that die, send nonsense or lie
rounds          the loop: choose, send, learn, collect, aggregate; resumes where it was stopped
vectorised      the same rounds with all clients of a round at once

partition       dealing cases out to hospitals: evenly, by class, by chance
tasks           what is learned: digits, chest films, hospitals with machines of their own
leaf, cifar     FEMNIST and Shakespeare, CIFAR-10 and -100, as their files are published
small_network   a network that federates in seconds

convergence     hospitals that are bowls: where averaging ends, in closed form
communication   bytes that are really sent, and rounds to a target
fairness        for whom the shared network is good; fairness_hospitals: twelve that differ
mafl            averages of M_k cases, exchanged once; replication: FedMix against its paper,
                with replication_seeds (all seeds at once) and replication_tables (how to read it)
averaging_record  the recorded runs of the lesson on federated averaging

privacy/        what averages, gradients and updates give away, and what hides it
engine/         the same clients and server as messages of Flower
"""
