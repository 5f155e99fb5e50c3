"""The two shells say the same thing; nothing but `await` may differ."""

import ast
import inspect
from typing import Any, cast

import pytest

from paygate import (
    async_bookkeeping,
    bookkeeping,
    driver,
    gateway,
    guard,
    reconciliation,
    retrying,
    routing,
    worker,
)
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks

NAMES = {
    "AsyncBookkeeper": "Bookkeeper",
    "AsyncGuard": "Guard",
    "AsyncReconciler": "Reconciler",
    "AsyncStore": "Store",
    "AsyncWorker": "Worker",
    "opened_async": "opened",
    "async_bookkeeping": "bookkeeping",
    "pause_async": "pause",
    "AsyncDriver": "Driver",
    "AsyncGateway": "Gateway",
    "AsyncPaygate": "Paygate",
    "AsyncPool": "Pool",
    "AsyncCredentials": "Credentials",
    "AsyncBaseTransport": "BaseTransport",
    "AsyncRetrying": "Retrying",
    "handle_async_request": "handle_request",
    "whole_async": "whole",
    "repeat_async": "repeat",
    "aclose": "close",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
}


class Blocking(ast.NodeTransformer):
    """Turns async code into the blocking code that says the same, without its docstrings."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        fields: dict[str, Any] = {
            field: getattr(node, field) for field in ast.FunctionDef._fields if hasattr(node, field)
        }
        plain = ast.FunctionDef(**fields)
        return self.visit_FunctionDef(ast.copy_location(plain, node))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = NAMES.get(node.name, node.name)
        return self.generic_visit(self._bare(node))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = NAMES.get(node.name, node.name)
        return self.generic_visit(self._bare(node))

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return cast("ast.AST", self.visit(node.value))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == "Awaitable":
            return cast("ast.AST", self.visit(node.slice))
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = NAMES.get(node.id, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = NAMES.get(node.attr, node.attr)
        return self.generic_visit(node)

    def visit_alias(self, node: ast.alias) -> ast.AST:
        node.name = NAMES.get(node.name, node.name)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            for name, blocking in NAMES.items():
                node.value = node.value.replace(name, blocking)
        return node

    @staticmethod
    def _bare(node: ast.FunctionDef | ast.ClassDef) -> ast.FunctionDef | ast.ClassDef:
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node


def methods(kind: type) -> dict[str, str]:
    """A class's methods as blocking code, by name."""
    tree = Blocking().visit(ast.parse(inspect.getsource(kind)))
    return {node.name: ast.unparse(node) for node in tree.body[0].body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("blocking", "waiting"),
    [
        (driver.Driver, driver.AsyncDriver),
        (gateway.Gateway, gateway.AsyncGateway),
        (routing.Paygate, routing.AsyncPaygate),
        (bookkeeping.Bookkeeper, async_bookkeeping.AsyncBookkeeper),
        (guard.Guard, guard.AsyncGuard),
        (reconciliation.Reconciler, reconciliation.AsyncReconciler),
    ],
)
def test_the_two_shells_differ_in_nothing_but_await(blocking: type, waiting: type) -> None:
    """Method by method, the async class without `async` and `await` is the blocking one."""
    assert methods(blocking) == methods(waiting)


def test_the_comparison_would_notice_a_difference() -> None:
    """Two classes that do differ are not found equal."""
    assert methods(gateway.Gateway) != methods(routing.Paygate)
    assert methods(driver.Driver) != methods(gateway.Gateway)
    assert [8, 12, 18] == [len(methods(kind)) for kind in (driver.Driver, gateway.Gateway, routing.Paygate)]


def test_the_two_ways_to_repeat_differ_in_nothing_but_await_and_sleep() -> None:
    """`repeat_async` is `repeat`, with a sleep that lets others run."""

    def plain(function: object) -> str:
        tree = Blocking().visit(ast.parse(inspect.getsource(function)))  # type: ignore[arg-type]
        return ast.unparse(tree)

    waiting = plain(retrying.repeat_async)
    assert plain(retrying.repeat) == waiting.replace("    import anyio\n", "").replace(
        "sleep=anyio.sleep, ", ""
    )


def test_the_two_workers_differ_in_nothing_but_await_and_how_they_wait() -> None:
    """A thread and a task begin, wait, end and call a handler each in its own way; all else is the same."""
    apart = {"__init__", "__enter__", "__exit__", "_is_told", "_let_end", "_wait"}
    blocking, waiting = methods(worker.Worker), methods(worker.AsyncWorker)
    assert {"run_once", "run", "stop", "_done"} == blocking.keys() - apart == waiting.keys() - apart
    for name in blocking.keys() - apart:
        assert blocking[name] == waiting[name]


def test_both_applications_do_the_same_with_a_callback() -> None:
    """ASGI and WSGI compare, hand over and answer alike; one awaits."""
    assert methods(AsgiCallbacks)["_told"] == methods(WsgiCallbacks)["_told"]
