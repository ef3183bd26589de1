"""The same clients and the same server as messages of a real engine, Flower 1.41.

flower       Flower's own names, with a clear sentence where it is not installed; no telemetry
messages     weights, plans and updates as records of a message, and what they weigh
client_app   what a hospital answers: it calls federated.client unchanged
server_app   the rounds by message: they call federated.server and federated.rounds unchanged
averages     MAFL's exchange as two queries before the first round
networks     the networks that a deployment can name
inline_grid  both in this process, every byte counted: for lessons and tests
simulation   Flower's own simulation, on Ray
certificates a certificate authority and a server certificate for TLS
processes    programs that are started, watched and, whatever happens, ended
deployed     the two apps as the programs of a deployment load them
deployment   one SuperLink and several SuperNodes as processes of their own, over TLS

Only this package imports flwr.
"""
