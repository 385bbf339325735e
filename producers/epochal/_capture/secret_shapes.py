"""The tables of redaction: words in names, and the shapes of values, that tell of secrets."""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PASSWORDS = _words("password passwords passwd passphrase pwd")
"""Names whose values may be mere numbers and are secret all the same."""

ALWAYS = PASSWORDS - {"pwd"} | _words(
    "secret secrets credential credentials cookie cookies bearer jwt apikey apikeys authkey authtoken accesskey "
    "accesstoken secretkey privatekey dsn"
)
"""A word that makes any name a secret's (``pwd`` only after another word: PWD is the working directory)."""

INSIDE = (
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "accesstoken",
    "authtoken",
)
"""The same inside a longer word, such as MYSQLPASSWORD."""

DEPENDS = frozenset({"key", "token", "auth", "authorization", "oauth"})
"""Words that tell of a secret or not, depending on their neighbours."""

TELLING_BEFORE = _words(
    "api access secret private auth refresh session bearer signing encryption master account storage deploy bot id "
    "github gitlab hf hub huggingface wandb openai anthropic slack discord azure google aws comet neptune mlflow "
    "clearml kaggle registry pypi npm license service client"
)
"""What makes ``key`` or ``token`` a secret's name even in free text."""

HARMLESS_BEFORE = _words(
    "primary foreign sort partition public cache metric feature label input output group index dict json pad eos bos "
    "unk mask sep cls special image audio video stop start end max min num n per first last next new old total prompt "
    "completion best map object column row hot any press join order by lookup config data batch state param target "
    "source prng rng random query each word sub text single current"
)
"""What stands before ``key`` or ``token`` when they mean a dictionary's or a tokenizer's."""

HARMLESS_AFTER = _words(
    "ids count counts length len size limit type types budget dim dims classification dropout embedding embeddings "
    "path paths file files dir usage rate sock method mode enabled provider audience expiry expires ttl padding query "
    "mask map id name names required policy url uri host error errors"
)
"""What follows when a thing about the secret is named, not the secret (``ACCESS_KEY_ID`` is treated as one)."""

WHOLE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("A", re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ABIA|ACCA)[A-Z0-9]{16}\b")),  # AWS
    ("gh", re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}")),  # GitHub
    ("github_pat_", re.compile(r"\bgithub_pat_\w{22,}")),
    ("gl", re.compile(r"\bgl(?:pat|dt|rt|ptt)-[\w-]{20,}")),  # GitLab
    ("hf_", re.compile(r"\bhf_[A-Za-z0-9]{30,}")),  # Hugging Face
    ("sk-", re.compile(r"\bsk-(?=[\w-]{0,60}\d)[\w-]{20,}")),  # OpenAI, Anthropic
    ("k_", re.compile(r"\b[rs]k_(?:live|test)_\w{16,}")),  # Stripe
    ("xox", re.compile(r"\bxox[a-z]-[\w-]{10,}")),  # Slack
    ("AIza", re.compile(r"\bAIza[\w-]{35}")),  # Google
    ("ya29.", re.compile(r"\bya29\.[\w-]{20,}")),
    ("npm_", re.compile(r"\bnpm_[A-Za-z0-9]{36}")),
    ("pypi-", re.compile(r"\bpypi-[\w-]{50,}")),
    ("dapi", re.compile(r"\bdapi[0-9a-f]{32}\b")),  # Databricks
    ("eyJ", re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*")),  # JSON web tokens
)
"""Values that are secrets by their own shape, each with text that must be there (to spare the search)."""

PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)(.*?)(-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_SCHEME = r"(\b[A-Za-z][A-Za-z0-9+.-]{0,30}://)"
URL_USER = re.compile(_SCHEME + r"(?!\[redacted\]@)(?:[^\s/?#@'\"<>]*:[^\s/?#'\"<>]*|[^\s/?#@:'\"<>]{20,})@")
"""``user:password@``, and a lone user that is long enough to be a token."""
ANY_URL_USER = re.compile(_SCHEME + r"[^\s/?#'\"<>]*@")

_UNLESS_DONE = r"(?!\[redacted\])"
AFTER_PREFIX: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "=",
        re.compile(
            r"([?&;](?:sig|signature|x-amz-signature|x-amz-security-token|x-amz-credential|x-goog-signature|access_token"
            rf"|token|api_?key|key|password|secret|client_secret)=){_UNLESS_DONE}[^\s&;#'\"<>]+",
            re.IGNORECASE,
        ),
    ),
    (
        "authorization",
        re.compile(
            rf"(\bAuthorization['\"]?\s*[:=]\s*['\"]?(?:Bearer|Basic|Token)[ \t]+){_UNLESS_DONE}[^\s'\"]+",
            re.IGNORECASE,
        ),
    ),
    ("bearer", re.compile(rf"(\bBearer[ \t]+){_UNLESS_DONE}(?=[^\s'\"]*\d)[\w.~+/=-]{{16,}}")),
    ("cookie", re.compile(rf"(\b(?:Set-)?Cookie['\"]?:[ \t]*){_UNLESS_DONE}[^\r\n'\"]+")),
    (
        "key=",
        re.compile(rf"(\b(?:AccountKey|SharedAccessKey)=){_UNLESS_DONE}[^\s;'\"]+", re.IGNORECASE),
    ),
    (
        "signature=",
        re.compile(rf"(\bSharedAccessSignature=){_UNLESS_DONE}[^\s;'\"]+", re.IGNORECASE),
    ),
)
"""Values that are secrets by what stands before them, each with text (in lower case) that must be there."""

HINTS = (
    *("akia", "asia", "aroa", "aida", "agpa", "anpa", "abia", "acca", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("github_pat_", "glpat-", "gldt-", "glrt-", "glptt-", "hf_", "sk-", "sk_", "rk_", "xox", "aiza", "ya29.", "npm_"),
    *(
        "pypi-",
        "dapi",
        "eyj",
        "://",
        "sig=",
        "signature=",
        "credential",
        "sharedaccess",
        "bearer",
        "cookie",
        "authorization",
    ),
    *("passw", "passp", "pwd", "secret", "key", "token", "auth", "jwt", "dsn"),
)
"""A line that has none of these, in lower case, holds no secret that is known here."""

OPTION_NAME = re.compile(r"-{0,2}[A-Za-z_][A-Za-z0-9_.-]{0,100}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,100}")
_NAME = r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,100})"
_APART = r"(?<![A-Za-z0-9_.-])"
NAMED = (
    # "name": "value", name = 'value'
    re.compile(
        rf"{_APART}(?P<open>['\"]?){_NAME}(?P=open)[ \t]{{0,8}}[:=][ \t]{{0,8}}"
        r"(?P<quote>['\"])(?P<value>[^'\"\r\n]+)(?P=quote)"
    ),
    # NAME=value
    re.compile(rf"{_APART}(?P<name>[A-Z_][A-Z0-9_]{{0,100}})=(?P<value>[^\s'\"()\[\]]+)"),
    # --name value, --name=value
    re.compile(rf"(?<![\w-])--?{_NAME}(?:=|[ \t]+)(?P<value>[^\s'\"-][^\s'\"]*)"),
    # name: value, name = value; only what has a digit, since code has names there
    re.compile(rf"{_APART}{_NAME}[ \t]{{0,8}}[:=][ \t]{{0,8}}(?P<value>(?=[^\s'\"]*\d)[^\s'\"()\[\]{{}},;]{{6,}})"),
)
"""A name and its value in free text."""
