"""What leaks although no film leaves the hospital, and what can be done about it.

averages_leak             who is in an average of M_k films; which film was added; whose it is
mitigations               the rules of the source: shuffle, average again, refuse
gradient_inversion        a film back from the gradient that was sent
secret_sharing            a number cut into parts, some of which give it back
secure_aggregation        masks that cancel: the server sees the sum and nothing else
differential_privacy      clip and add noise, for one patient or for one hospital
accountant                how much privacy the noise has bought: epsilon
record                    accuracy against epsilon over several seeds, recorded
"""
