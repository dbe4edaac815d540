# The market, with what it runs on and nothing else.
FROM python:3.13-slim AS product
WORKDIR /market
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY src ./src
COPY seed ./seed
COPY tools ./tools
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && useradd --create-home market && mkdir var && chown market var
USER market
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --retries=12 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["datamarket", "serve", "--host", "0.0.0.0", "--workers", "4"]

# The users of a load test: `docker compose --profile load up`. No server is made from it.
FROM product AS load
USER root
COPY requirements-dev.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-dev.lock
COPY loadtests ./loadtests
USER market
HEALTHCHECK NONE

FROM product
