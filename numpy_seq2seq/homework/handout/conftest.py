def pytest_collection_modifyitems(config, items):
    """`-k softmax` runs the test of softmax, and not those of log_softmax and softmax_backward too."""
    items[:] = [item for item in items if item.name == f"test[{config.option.keyword}]"] or items
