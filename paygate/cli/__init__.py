from paygate.cli.app import app as app
