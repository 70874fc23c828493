"""What code and CI show about protection: authentication, validation, audit log, scanning.

Used by the security check. Python is read by its syntax tree, so that a comment or a page about
keys is no authentication; a name counts where it is used, an import alone does not. Every piece of
evidence has file and line. It deliberately gives no points.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.evidence import commands, syntax
from checks.evidence.repository import FileError
from checks.report import Evidence, Location, State
from checks.yaml_nodes import Node, YamlError, read

if TYPE_CHECKING:
    from checks.evidence.repository import Repository

MAX_FILES = 1000
MAX_CODE = 1 << 19  # bytes of a source file
AUTHENTICATION = re.compile(
    r"(?:HTTPBearer|HTTPBasic|HTTPDigest|OAuth2\w*|OpenIdConnect|APIKey(?:Header|Query|Cookie)"
    r"|HTTPTokenAuth|HTTPBasicAuth|MultiAuth|login_required|jwt_required|token_required"
    r"|requires_auth|require_auth|auth_required|verify_jwt_in_request|verify_jwt|decode_jwt"
    r"|compare_digest|check_api_key|verify_api_key|verify_token|AuthenticationMiddleware"
    r"|TokenAuthentication|IsAuthenticated|JWTAuthentication|JWTManager|LoginManager|AuthJWT"
    r"|verify_id_token|introspect_token)"
)
AUTHORISATION = re.compile(
    r"(?:roles_required|role_required|roles_accepted|require_role|requires_role|require_scopes?"
    r"|requires_scopes?|permission_required|require_permissions?|has_permission|check_permissions?"
    r"|IsAdminUser|DjangoModelPermissions|SecurityScopes|Enforcer|is_authorized|authorize"
    r"|user_passes_test|Principal|RoleNeed)"
)
VALIDATION = re.compile(
    r"(?:BaseModel|DataFrameModel|DataFrameSchema|SchemaModel|model_validate(?:_json)?|TypeAdapter"
    r"|validate_python|field_validator|model_validator|Draft\d+Validator|webargs|use_args"
    r"|ExpectationSuite|checkpoint_run|msgspec|load_schema)"
)
AUDIT = re.compile(r"audit", re.IGNORECASE)
ENCRYPTION = re.compile(
    r"(?:Fernet|MultiFernet|AESGCM|ChaCha20Poly1305|load_cert_chain|create_default_context"
    r"|HTTPSRedirectMiddleware|Talisman|ssl_keyfile|ssl_certfile|ssl_server_credentials)"
)
BAD_INPUT = re.compile(
    r"BadRequest|ValidationError|ValueError|TypeError|HTTPException|HTTPError|abort|UnprocessableEnt"
)
SCANNERS = re.compile(
    r"\b(?:pip-audit|safety\s+(?:check|scan)|trivy|grype|snyk|osv-scanner|bandit|semgrep|gitleaks"
    r"|trufflehog|docker\s+scout|clair-scanner|checkov|dependency-check|govulncheck)\b"
    r"|gh-action-pip-audit@|trivy-action@|scan-action@|codeql-action/(?:analyze|init)@"
    r"|dependency-review-action@|osv-scanner-action|snyk/actions"
)
INSTALL = re.compile(r"\b(?:pip3?|uv|apt-get|brew|npm|go)\s+(?:pip\s+)?install\b[^;&|]*")
UPDATERS = (
    *(".github/dependabot.yml", ".github/dependabot.yaml", "renovate.json", "renovate.json5"),
    *(".renovaterc", ".renovaterc.json", ".github/renovate.json", ".snyk"),
)
TESTS = re.compile(r"(?:^|/)(?:tests?|testing)/|(?:^|/)(?:test_[^/]*|[^/]*_test|conftest)\.py$")
Found = tuple[str, Evidence]


def collect(repository: Repository) -> tuple[Found, ...]:
    """Evidence by item, from the Python code and the CI of the tree."""
    found: list[Found] = []
    files = [f for f in repository.matching("*.py") if not TESTS.search(f.path)]
    for file in files[:MAX_FILES]:
        try:
            text = repository.read_text(file.path, MAX_CODE)
            found += code(text, file.path)
        except (FileError, SyntaxError):
            continue
    return (*found, *_ci(repository))


def code(text: str, path: str) -> Iterator[Found]:
    """What one Python file shows. Raises SyntaxError."""
    tree = syntax.parse(text, path)
    refusals = _refusals(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _used(_last(node.func), node.lineno, path)
            yield from _audit(node, path)
        elif isinstance(node, ast.ClassDef):
            for base in node.bases:
                yield from _used(_last(base), node.lineno, path)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                yield from _used(_last(decorator), decorator.lineno, path)
            yield from _by_hand(node, path, refusals)


def _used(name: str, line: int, path: str) -> Iterator[Found]:
    where = Location(path, line)
    for item, pattern in (
        ("authentication", AUTHENTICATION),
        ("authorisation", AUTHORISATION),
        ("validation", VALIDATION),
        ("encryption", ENCRYPTION),
    ):
        if pattern.fullmatch(name):
            yield item, Evidence(item, State.FOUND, f"{name} in the code", where)


def _audit(node: ast.Call, path: str) -> Iterator[Found]:
    """A call that writes to something called audit, or writes a line that says audit."""
    names = [each.id for each in ast.walk(node.func) if isinstance(each, ast.Name)]
    names += [each.attr for each in ast.walk(node.func) if isinstance(each, ast.Attribute)]
    if _last(node.func) == "getLogger":
        names += [str(each.value) for each in node.args if isinstance(each, ast.Constant)]
    if any(AUDIT.search(name) for name in names):
        where = Location(path, node.lineno)
        yield "audit", Evidence("audit", State.FOUND, f"{_last(node.func)} in the code", where)


def _refusals(tree: ast.AST) -> frozenset[str]:
    """The file's own exceptions for bad input, by what they derive from."""
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(BAD_INPUT.search(_last(b)) for b in node.bases)
    )


def _by_hand(
    node: ast.FunctionDef | ast.AsyncFunctionDef, path: str, refusals: frozenset[str]
) -> Iterator[Found]:
    """A function that looks at types or shapes of what it is given and refuses in words."""
    given = {each.arg for each in (*node.args.args, *node.args.kwonlyargs)} - {"self", "cls"}
    looks = [line for each in ast.walk(node) if (line := _looks(each))]
    refuses = [
        each
        for each in ast.walk(node)
        if isinstance(each, ast.Raise)
        and each.exc is not None
        and (BAD_INPUT.search(_last(each.exc)) or _last(each.exc) in refusals)
    ]
    request = re.search(r"pars|valid|check|row|payload|request|body|input", node.name)
    if given and looks and refuses and request:
        where = Location(path, looks[0])
        what = f"{node.name} checks what it is given and refuses"
        yield "validation", Evidence("validation", State.FOUND, what, where)


def _looks(node: ast.AST) -> int:
    """The line of a look at a type, or of a comparison of an array's shape; 0 for anything else."""
    if isinstance(node, ast.Call) and _last(node.func) == "isinstance" and len(node.args) == 2:
        return node.lineno
    if isinstance(node, ast.Compare):
        sides = [each for side in (node.left, *node.comparators) for each in ast.walk(side)]
        if any(isinstance(s, ast.Attribute) and s.attr in {"shape", "ndim"} for s in sides):
            return node.lineno
    return 0


def _last(node: ast.expr) -> str:
    """The last part of a dotted name, of what is called or decorated."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _ci(repository: Repository) -> Iterator[Found]:
    for file in repository.matching(*commands.WORKFLOWS):
        try:
            lines = commands.lines_of(file.path, repository)
        except (FileError, YamlError):
            continue
        for number, line in lines:
            match = SCANNERS.search(INSTALL.sub("", line[:2000]))
            if match:
                where = Location(file.path, number)
                yield "scanning", Evidence("scanning", State.FOUND, match[0].strip(), where)
    for path in UPDATERS:
        if repository.find(path) and _says_something(repository, path):
            what = "updates of dependencies"
            yield "scanning", Evidence("scanning", State.FOUND, what, Location(path, 1))
    for file in repository.matching(".pre-commit-config.yaml"):
        for number, line in enumerate(_text(repository, file.path).splitlines(), start=1):
            hook = SCANNERS.search(line) if re.match(r"\s*-\s*id:", line) else None
            if hook:
                where = Location(file.path, number)
                yield "scanning", Evidence("scanning", State.FOUND, f"{hook[0]} before", where)


def _says_something(repository: Repository, path: str) -> bool:
    try:
        documents = read(_text(repository, path).encode())
    except YamlError:
        return path.endswith("5")
    root = documents[0] if documents else Node(1)
    return bool(root.mapping) and ("dependabot" not in path or root.get("updates") is not None)


def _text(repository: Repository, path: str) -> str:
    try:
        return repository.read_text(path)
    except FileError:
        return ""
