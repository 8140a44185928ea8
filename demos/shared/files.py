"""Every file that a program reads or writes. What would be lost is found here, before any work is done."""

import os

READ = ("file", "ask", "translate")  # options that name a file to read; --resume too
ENDINGS = {"json": ".json", "html": ".html"}  # what is written again and again under one name


def model_file(path, tag=""):
    """PATH; for a second model PATH with a tag before its suffix, `model.fixed.npz`."""
    return path.with_name(f"{path.stem}.{tag}{path.suffix}") if path and tag else path


def refuse(*faults):
    """Raise ValueError with the text of the first (whether it is so, text)."""
    for wrong, text in faults:
        if wrong:
            raise ValueError(text)


def check_files(options, tags=("",)):
    """Raise ValueError unless every file that the options name can be written and none that matters is lost.

    Args:
        options: Namespace; what it has of json, html, output, save, resume and READ is a path or None.
        tags:    of the models that are saved, as in model_file.
    """
    resume, save = getattr(options, "resume", None), getattr(options, "save", None)
    in_place = save is None or (resume is not None and _same(save, resume))
    name, path = ("resume", resume) if in_place else ("save", save)
    models = [(name, model_file(path, tag)) for tag in tags if path]
    read = [("resume", model_file(resume, tag)) for tag in tags if resume and not in_place]
    read += [(name, path) for name in READ if (path := getattr(options, name, None))]
    written = [(name, path) for name in (*ENDINGS, "output") if (path := getattr(options, name, None))]
    for k, (name, path) in enumerate(written + models):
        _check_place(name, path)
        for other, taken in (written + models)[:k]:
            if _same(path, taken):
                raise ValueError(f"--{other} and --{name} name the same file, {path}")
        for other, needed in read:
            if _same(path, needed):
                raise ValueError(f"--{name} would write over {needed}, which is read ({other})")


def _check_place(name, path):
    """Raise ValueError unless a file can be written there and nothing else is lost by it."""
    place, there = os.path.realpath(path), path.exists()
    folder, ending = os.path.dirname(place), ENDINGS.get(name, "")
    lost = not place.endswith(ending) and there and os.path.getsize(place)
    refuse(
        (os.path.islink(place), f"--{name}: {path} is a link that leads back to itself"),
        (not os.path.isdir(folder), f"--{name}: there is no folder {folder}"),
        (os.path.isdir(place), f"--{name}: {path} is a folder; give the name of a file"),
        (not os.access(path if there else folder, os.W_OK), f"--{name}: {path} may not be written"),
        (there and not os.path.isfile(place), f"--{name}: {path} is no regular file"),
        (name == "save" and path.suffix != ".npz", f"--save: a model's file ends in .npz, got {path}"),
        (name == "save" and there, f"--save: there is a {path} already; --resume it, or give another name"),
        (name == "output" and there, f"--output: there is a {path} already; give another name"),
        (lost, f"--{name} would write over {path}; give a name that ends in {ending}"),
    )


def _same(one, other):
    """Whether two paths are one file, by whatever names."""
    if os.path.exists(one) and os.path.exists(other):
        return os.path.samefile(one, other)
    return os.path.realpath(one) == os.path.realpath(other)


def write(path, text):
    """Write a text file; raise ValueError, with the reason, if it cannot be written."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} was not written: {error.strerror}") from error
