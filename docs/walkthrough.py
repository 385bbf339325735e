# %% [markdown]
# # One experiment, from a hypothesis to a verdict
#
# Six steps, as an experimenter would take them: say what you believe, say what you vary, record what stays the same,
# run a trial for each set of variables, draw conclusions, look closer.
# Nothing is written into a spreadsheet on the way: everything that is needed later is recorded by running.
#
# The data are the 1,797 digits that come with scikit-learn, and the models are small, so that all 18 trainings take
# less than a minute on a laptop.
# The same walk with convolutional networks, in Keras, is `epochal demo`.
#
# It needs `pip install 'epochal[query,plot]' scikit-learn`, and no server.
# What it records is kept in your default store, or where the setting `EPOCHAL_STORE` says.

# %%
import tempfile
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import epochal

folder = Path(tempfile.mkdtemp())

# %% parameters
epochs = [30, 60, 120]

# %% [markdown]
# ## Step 1: The hypothesis
#
# An experiment is known by its name, and stands for a hypothesis.
# Running this cell again gives the same experiment.

# %%
NAME = "digits-custom-vs-plain"

experiment = epochal.experiment(
    NAME,
    hypothesis="A network of two hidden layers reaches a better test accuracy on digits than one of a single layer",
    objective="test accuracy",
)
experiment

# %% [markdown]
# ## Step 2: The variables
#
# The architecture is what the hypothesis is about.
# The optimizer and the number of epochs vary, too: the answer should not depend on them, and fewer epochs are cheaper.
# The experiment's grid is the product of all of them.

# %%
variables = {
    "model": ["plain", "custom"],
    "optimizer": ["adam", "sgd", "nesterov"],
    "epochs": epochs,
}
experiment = epochal.experiment(NAME, variables=variables)
variable_sets = list(experiment.grid())
print(len(variable_sets), "sets, from", variable_sets[0], "to", variable_sets[-1])

# %% [markdown]
# ## Step 3: What all trials share
#
# Static hyperparameters are no variables of this experiment, and have an effect all the same.
# They go into a component of their own, with the list of the variables and the data set.
# It belongs to no trial yet.

# %%
static = {"batch-size": 128, "learning-rate": 1e-3, "weight-decay": 1e-6, "momentum": 0.9, "seed": 7}

common = epochal.component("experiment-metadata", kind="metadata")
common.log_params({**static, "variables": variables})
common.log_input("digits-dataset", "sklearn://datasets/digits", media_type="application/x-sklearn-dataset")

# %% [markdown]
# Preprocessing is work, so it is a component that runs.
# What comes out of it is kept by its content: each training will fetch it by its digest, and know what it got.

# %%
with epochal.component("preprocessing", kind="preprocessing", params={"scale": "x / 16"}) as preprocessing:
    preprocessing.log_input("digits-dataset", "sklearn://datasets/digits")
    digits = load_digits()
    order = np.random.default_rng(static["seed"]).permutation(len(digits.target))
    parts = dict(zip(("train", "validation", "test"), np.split(order, [1280, 1437]), strict=True))
    arrays = {f"{name}_images": digits.data[part] / 16 for name, part in parts.items()}
    arrays |= {f"{name}_labels": digits.target[part] for name, part in parts.items()}
    np.savez(folder / "digits.npz", **arrays)
    dataset = preprocessing.log_output("digits-split", path=folder / "digits.npz")

store = epochal.open()
store.components(unassigned=True)[["name", "kind", "status", "trials"]]

# %% [markdown]
# ## Step 4: A trial for each set of variables
#
# A trial is identified by its variables: the same set is the same trial, whoever runs it, wherever, how often.
# Each gets the components that all share, and a training of its own, which logs every epoch.
# A call of `log` takes about a microsecond, so there is no reason to log less.


# %%
def train(run, variables):
    """One training: real, seeded, and recorded."""
    data = np.load(run.use(dataset))
    solver = {} if variables["optimizer"] == "adam" else {"momentum": static["momentum"]}
    model = MLPClassifier(
        hidden_layer_sizes=(64,) if variables["model"] == "plain" else (128, 64),
        solver="adam" if variables["optimizer"] == "adam" else "sgd",
        nesterovs_momentum=variables["optimizer"] == "nesterov",
        batch_size=static["batch-size"],
        learning_rate_init=static["learning-rate"],
        alpha=static["weight-decay"],
        random_state=static["seed"],
        **solver,
    )
    for epoch in range(variables["epochs"]):
        model.partial_fit(data["train_images"], data["train_labels"], classes=range(10))
        accuracy = model.score(data["validation_images"], data["validation_labels"])
        run.log({"loss": model.loss_, "val_acc": accuracy}, step=epoch)
    # the test images are looked at once, so that nothing is chosen by them
    run.log({"test_acc": model.score(data["test_images"], data["test_labels"])}, step=variables["epochs"] - 1)
    joblib.dump(model, folder / "model.joblib")
    run.log_output("model", path=folder / "model.joblib")


for variable_set in variable_sets:
    trial = experiment.trial(variable_set)
    trial.attach(common)
    trial.attach(preprocessing)
    with trial.run("training", kind="training", resources={"device": "cpu"}) as run:
        run.log_params({**static, **variable_set})
        train(run, variable_set)
common.finish()

store.trials(experiment)[["name", "status", "components"]]

# %% [markdown]
# Nothing of the grid is missing, and every trial has the same three kinds of components.

# %%
print("missing:", experiment.missing())
store.components(trial=variable_sets[0])[["name", "kind", "status", "duration_s"]]

# %% [markdown]
# ## Step 5: The results, and the verdict
#
# All that is needed is the name of the experiment.
# One row is one component; values have the types they were logged with, and the statistics are exact.

# %%
report = store.report(NAME, where="kind = 'training'", order_by="metrics.test_acc.last desc")
report["label"] = report["model"] + "-" + report["optimizer"]
report[["label", "epochs", "test_acc - Last", "val_acc - Max", "loss - Last", "Status"]]

# %%
axes = report.plot.bar(
    x="label", y="test_acc - Last", figsize=(9, 4), legend=False, ylabel="test accuracy", ylim=(0, 1)
)
axes.figure.tight_layout()

# %% [markdown]
# The best of all, and the best at each number of epochs:

# %%
winners = {number: store.best(NAME, "test_acc", mode="max", where=f"params.epochs = {number}") for number in epochs}
for number, best in winners.items():
    row = best.iloc[0]
    print(f"{number:>4} epochs: {row['model']}, {row['optimizer']}, test accuracy {row['test_acc - Last']:.4f}")

# %% [markdown]
# The verdict is part of the record, with the reason for it.
# Three winners of 18 trainings are an argument and no proof: `epochal demo` shows an exact test on the same grid.

# %%
custom = [number for number, best in winners.items() if best["model"].iloc[0] == "custom"]
verdict = "accepted" if len(custom) == len(epochs) else "rejected" if not custom else "inconclusive"
experiment.conclude(verdict, note=f"custom is best at {len(custom)} of {len(epochs)} numbers of epochs")
store.experiments().set_index("name").loc[NAME, ["hypothesis", "verdict", "verdict_note"]]

# %% [markdown]
# ## Step 6: The curves of the winners
#
# Every epoch of every training was logged, so the curves of the three winners are one read away.

# %%
curves = store.metrics(component=[best["ComponentId"].iloc[0] for best in winners.values()], metric=["val_acc"])
axes = curves.pivot(index="step", columns="trial", values="value").plot(figsize=(9, 4), grid=True)
axes.set(xlabel="epoch", ylabel="validation accuracy", title="The best model at each number of epochs")
axes.figure.tight_layout()

# %% [markdown]
# ## A year later
#
# Which data, code and parameters made this model? From the digest of its file, in one call:

# %%
best = store.component(store.best(NAME, "test_acc", mode="max")["ComponentId"].iloc[0])
model = best.output("model")
print(store.lineage(model.digest, direction="ascendants").to_text())

# %% [markdown]
# Every read can be asked as of an instant: an hour ago there was no winner.

# %%
len(store.report(NAME, as_of="1 hour ago"))

# %% [markdown]
# ## Cleaning up
#
# One call deletes the experiment, its trials, and components that no other experiment shares.
# It wants to be confirmed with the name, and it can be undone: nothing is destroyed, reads just don't show it any more.

# %%
store.delete(NAME, cascade=True, confirm=NAME)["change"].value_counts()

# %%
store.restore(NAME)
len(store.report(NAME))
