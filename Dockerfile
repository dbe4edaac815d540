FROM python:3.13-slim
WORKDIR /market
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY src ./src
COPY seed ./seed
COPY loadtests ./loadtests
COPY tools ./tools
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && useradd --create-home market && mkdir var && chown market var
USER market
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --retries=12 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["datamarket", "serve", "--host", "0.0.0.0", "--workers", "4"]
