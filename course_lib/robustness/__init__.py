"""Can it be trusted? Shifts, attacks and defences, films from elsewhere, the right to abstain.

shift_*         the hospital with a dial: films, seasons, what is lost, alarms and their power
adaptation_*    corrections: importance weights, shares of the classes, batch norms, augmentation
attacks         FGSM, PGD; attack_transfer: from one network to another, and to all films at once
physical        platelets on the patient, through the X-ray simulator
defences        denoisers, a detector, adversarial training, and the attacks that know them
selective       risk against coverage: when silence is the better answer
unknown/        films that fit no answer: twenty-two sets and fifteen scores

*_record, *_training and attack_networks are recorded commands and what they shipped.
"""
