"""Every file that a program reads or writes. What would be lost is found here, before any work is done."""

import os

READ = ("file", "ask", "translate")  # options that name a file to read; --resume too
ENDINGS = {"json": ".json", "html": ".html"}  # what is written again and again under one name


def model_file(path, tag=""):
    """PATH; for a second model PATH with a tag before its suffix, `model.fixed.npz`."""
    return path.with_name(f"{path.stem}.{tag}{path.suffix}") if path and tag else path


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
    place = os.path.realpath(path)
    folder = os.path.dirname(place)
    if os.path.islink(place):
        raise ValueError(f"--{name}: {path} is a link that leads back to itself")
    if not os.path.isdir(folder):
        raise ValueError(f"--{name}: there is no folder {folder}")
    if os.path.isdir(place):
        raise ValueError(f"--{name}: {path} is a folder; give the name of a file")
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise ValueError(f"--{name}: {path} may not be written")
    if name == "save" and path.suffix != ".npz":
        raise ValueError(f"--save: a model's file ends in .npz, got {path}")
    if name == "save" and path.exists():
        raise ValueError(f"--save: there is a {path} already; --resume it, or give another name")
    if name == "output" and path.exists():
        raise ValueError(f"--output: there is a {path} already; give another name")
    ending = ENDINGS.get(name, "")
    if not place.endswith(ending) and os.path.isfile(place) and os.path.getsize(place):
        raise ValueError(f"--{name} would write over {path}; give a name that ends in {ending}")


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
